/** The page's beginning: what code for Node needs, then the page. */
import './platform/globals.ts';
import { render } from 'preact';
import { Explorer } from './explorer.tsx';

const place = document.getElementById('page');
if (place) render(<Explorer />, place);
