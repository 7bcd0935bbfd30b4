/** Loaded before a program: its clocks are ahead by the milliseconds that stand in a file, read each time. */
import { readFileSync } from 'node:fs';

const file = process.env.TEST_CLOCK_AHEAD;
const ahead = () => Number(readFileSync(file, 'utf8'));
const [dateNow, performanceNow] = [Date.now, performance.now];
Date.now = () => dateNow() + ahead();
performance.now = () => performanceNow.call(performance) + ahead();
