/**
 * Every graph of `graphs/` says what its system really does: it holds each call that the system's sources make,
 * and no call that they do not make. What it leaves out is named in `readings.ts`.
 */
import { expect } from 'chai';
import { demandsOf, readCallGraph, showCall, type OperationCall } from '../support/graphs/call-graph.ts';
import { issuing, operationsOf, readGraph, type DeclaredGraph, type DeclaredNode } from './declared-graph.ts';
import { agrees, leftOutBy, readings } from './readings.ts';

for (const reading of readings) {
  const source = readCallGraph(reading.graph);
  const graph = readGraph(reading.graph);
  const clientNodes = new Set(Object.keys(reading.clients));
  const gateways = new Set(reading.gateways);
  const { calls, entries } = demandsOf(source, gateways, clientNodes);
  const leftOut = {
    calls: leftOutBy(reading, 'call'),
    edges: leftOutBy(reading, 'edge'),
    entries: leftOutBy(reading, 'entry'),
    services: leftOutBy(reading, 'service'),
    noCaller: leftOutBy(reading, 'noCaller'),
  };

  const covered = (call: OperationCall): boolean => {
    const client = reading.clients[call.from];
    if (client !== undefined) return reaches(graph, graph.clients.get(client)?.calls ?? [], call);
    const scopes = graph.services.get(call.from)?.scopes ?? [];
    return scopes.some(
      (scope) => scope.operations.includes(call.fromOperation) && reaches(graph, scope.calls, call),
    );
  };

  describe(`graphs/${reading.graph}.yaml against its call graph`, () => {
    it('covers every call between operations', () => {
      const wanted = calls.filter((call) => !leftOut.calls.some((one) => agrees(call, one)));
      expect(wanted).to.not.be.empty;
      expect(wanted.filter((call) => !covered(call)).map(showCall)).to.deep.equal([]);
    });

    it('makes no call that the sources do not make', () => {
      const invented: string[] = [];
      for (const service of graph.services.values())
        for (const scope of service.scopes)
          for (const call of issuing(scope.calls))
            for (const name of call.scopes) {
              const operations = operationsOf(graph, { ...call, scopes: [name] });
              const justified = calls.some(
                ({ from, fromOperation, to, toOperation }) =>
                  from === service.name &&
                  scope.operations.includes(fromOperation) &&
                  to === call.to &&
                  operations.includes(toOperation),
              );
              if (!justified) invented.push(`${service.name}:${scope.name} -> ${call.to}:${name}`);
            }
      expect(invented).to.deep.equal([]);
    });

    it('gives every operation that it names to one scope, and names none that the service lacks', () => {
      expect(graph.services).to.not.be.empty;
      for (const { name, scopes } of graph.services.values()) {
        const named = scopes.flatMap((scope) => scope.operations);
        expect(named, name).to.have.lengthOf(new Set(named).size);
        for (const scope of scopes) expect(scope.operations, `${name}:${scope.name}`).to.not.be.empty;
        const known = new Set([
          ...calls.flatMap((call) => (call.from === name ? [call.fromOperation] : [])),
          ...calls.flatMap((call) => (call.to === name ? [call.toOperation] : [])),
          ...entries.flatMap((entry) => (entry.service === name ? [entry.operation] : [])),
        ]);
        expect(
          named.filter((operation) => !known.has(operation)),
          name,
        ).to.deep.equal([]);
      }
    });

    it('lets some client call every entry operation, and no client anything else', () => {
      const callable = new Set<string>();
      for (const client of graph.clients.values())
        for (const call of client.calls)
          for (const operation of operationsOf(graph, call)) callable.add(`${call.to} ${operation}`);
      const wanted = entries
        .filter((entry) => !leftOut.entries.some((one) => agrees(entry, one)))
        .map(({ service, operation }) => `${service} ${operation}`);
      expect([...callable].sort()).to.deep.equal([...new Set(wanted)].sort());
    });

    it('has a client of the source, or a visitor or script', () => {
      expect(Object.keys({ ...reading.clients, ...reading.mayCall })).to.not.be.empty;
    });

    for (const [node, client] of Object.entries(reading.clients)) {
      it(`gives ${client} what it calls in the source`, () => {
        const edges = source.edges.filter(
          (edge) => edge.from === node && edge.kind === 'sync' && !gateways.has(edge.to),
        );
        expect(graph.clients.has(client), client).to.equal(true);
        for (const edge of edges) {
          const patterns = edge.operations.map(pattern);
          const wanted = entries
            .filter(
              ({ service, operation }) => service === edge.to && patterns.some((p) => p.test(operation)),
            )
            .map(({ operation }) => operation);
          const toEntry = graph.clients.get(client)?.calls.filter((call) => call.to === edge.to) ?? [];
          const actual = toEntry.flatMap((call) => operationsOf(graph, call));
          expect(actual.sort(), client).to.deep.equal([...new Set(wanted)].sort());
        }
      });
    }

    for (const [client, operations] of Object.entries(reading.mayCall)) {
      it(`lets ${client} call what its visitors or scripts ask for`, () => {
        const patterns = operations.map(pattern);
        const wanted = entries.filter(({ operation }) => patterns.some((one) => one.test(operation)));
        expect(wanted, client).to.not.be.empty;
        const declared = graph.clients.get(client)?.calls ?? [];
        const missing = wanted.filter(
          ({ service, operation }) =>
            !declared.some((call) => call.to === service && operationsOf(graph, call).includes(operation)),
        );
        expect(missing, client).to.deep.equal([]);
      });
    }

    it('has every edge to a store, a broker or a foreign service as a call without a token', () => {
      const wanted = source.edges
        .filter((edge) => edge.kind !== 'sync' && !leftOut.edges.some((one) => agrees(edge, one)))
        .map((edge) => `${edge.from} -> ${edge.to}`);
      const called = source.operationCalls
        .filter((call) => leftOut.calls.some((one) => agrees(call, one)))
        .map((call) => `${call.from} -> ${call.to}`);
      const declared = [...graph.services.values()].flatMap(withoutToken);
      expect(wanted.filter((edge) => !declared.includes(edge))).to.deep.equal([]);
      expect(declared.filter((edge) => !wanted.includes(edge) && !called.includes(edge))).to.deep.equal([]);
    });

    it('declares the services of the source under their names', () => {
      const expected = source.services.filter(
        (name) =>
          ['service', 'gateway'].includes(source.serviceKinds[name] ?? '') &&
          !clientNodes.has(name) &&
          !gateways.has(name) &&
          !leftOut.services.includes(name),
      );
      expect([...graph.services.keys()].sort()).to.deep.equal([...expected].sort());
    });

    it('leaves out only what the source has and the graph lacks', () => {
      expect(Object.values(leftOut).flat()).to.have.lengthOf(reading.leftOut.length);
      for (const wanted of leftOut.calls) {
        const matching = calls.filter((call) => agrees(call, wanted));
        expect(matching, JSON.stringify(wanted)).to.not.be.empty;
        expect(matching.filter(covered).map(showCall)).to.deep.equal([]);
      }
      for (const wanted of leftOut.edges) {
        const matching = source.edges.filter((edge) => edge.kind !== 'sync' && agrees(edge, wanted));
        expect(matching, JSON.stringify(wanted)).to.not.be.empty;
        const declared = new Set([...graph.services.values()].flatMap(withoutToken));
        expect(matching.filter((edge) => declared.has(`${edge.from} -> ${edge.to}`))).to.deep.equal([]);
      }
      for (const wanted of leftOut.entries) {
        expect(
          entries.some((entry) => agrees(entry, wanted)),
          JSON.stringify(wanted),
        ).to.equal(true);
      }
      for (const name of leftOut.services) expect(source.services).to.include(name);
      for (const { service, operation } of leftOut.noCaller) {
        expect(source.notes).to.include(`${operation.split('.').at(-1)} has no caller`);
        expect(source.operationCalls.some((call) => call.toOperation === operation)).to.equal(false);
        const declared = graph.services.get(service)?.scopes.flatMap((scope) => scope.operations);
        expect(declared).to.be.an('array').that.does.not.include(operation);
      }
    });
  });
}

function reaches(graph: DeclaredGraph, calls: DeclaredNode['calls'], wanted: OperationCall): boolean {
  return issuing(calls).some(
    (call) => call.to === wanted.to && operationsOf(graph, call).includes(wanted.toOperation),
  );
}

function withoutToken(service: DeclaredNode): string[] {
  return [service.calls, ...service.scopes.map((scope) => scope.calls)]
    .flat()
    .filter((call) => call.mode === 'none')
    .map((call) => `${service.name} -> ${call.to}`);
}

/** `GET /api/*` as the load generators write it: the star stands for the rest. */
function pattern(operation: string): RegExp {
  const parts = operation.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
