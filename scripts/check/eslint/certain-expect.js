/**
 * A test whose every `expect` may be left out passes without having checked anything. So at least one of them must
 * run for certain: outside branches, callbacks and loops over what may be empty. A test that checks inside a loop counts
 * its rounds, or says that the list is not empty.
 */
const CHECKS = /^(expect|failure|unavailable|refused|assert|untilSeen)/;
const ALWAYS_CALLED = /^(map|flatMap|forEach|every|some)$/;
const KEEPS_LENGTH = /^(map|entries|values|keys|sort|toSorted|reverse|concat|split)$/;

/** Whether a list has an element, as far as its own text tells. */
function isFilled(node, scope) {
  const inner = (expression) => isFilled(expression, scope);
  switch (node?.type) {
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
      return inner(node.expression);
    case 'AwaitExpression':
      return inner(node.argument);
    case 'SpreadElement':
      return inner(node.argument);
    case 'ArrayExpression':
      return node.elements.some((element) => element?.type !== 'SpreadElement' || inner(element));
    case 'ObjectExpression':
      return node.properties.some((property) => property.type !== 'SpreadElement' || inner(property));
    case 'NewExpression':
      return inner(node.arguments[0]);
    case 'Literal':
      return typeof node.value === 'string' && node.value !== '';
    case 'CallExpression': {
      const { object, property } = node.callee;
      if (object?.name === 'Array') return node.arguments[0]?.type === 'ObjectExpression';
      if (object?.name === 'Object' || object?.name === 'Promise') return inner(node.arguments[0]);
      return KEEPS_LENGTH.test(property?.name) && inner(object);
    }
    case 'Identifier': {
      let at = scope;
      while (at && !at.set.has(node.name)) at = at.upper;
      const [definition] = at?.set.get(node.name)?.defs ?? [];
      return definition?.parent?.kind === 'const' && isFilled(definition.node.init, at);
    }
    default:
      return false;
  }
}

const isNumbered = ({ init, test }) =>
  init?.declarations?.[0]?.init?.type === 'Literal' && test?.right?.type === 'Literal';

/** Whether `node` may be passed over when `parent` is run. */
function mayBeSkipped(node, parent, scopeOf) {
  switch (parent.type) {
    case 'IfStatement':
    case 'ConditionalExpression':
      return node !== parent.test;
    case 'LogicalExpression':
      return node === parent.right;
    case 'CatchClause':
    case 'SwitchCase':
    case 'WhileStatement':
    case 'ForInStatement':
      return true;
    case 'ForOfStatement':
      return node === parent.body && !isFilled(parent.right, scopeOf(parent));
    case 'ForStatement':
      return node === parent.body && !isNumbered(parent);
    case 'BlockStatement':
      return parent.body.slice(0, parent.body.indexOf(node)).some(leaves);
    case 'CallExpression': {
      if (!/Function/.test(node.type)) return false;
      const name = parent.callee.property?.name ?? parent.callee.name ?? '';
      if (/[pP]roperty$/.test(name) || CHECKS.test(name)) return false;
      return !(ALWAYS_CALLED.test(name) && isFilled(parent.callee.object, scopeOf(parent)));
    }
    default:
      return /Function/.test(node.type);
  }
}

/** `if (…) return;` and its like. */
function leaves({ type, consequent }) {
  const statements = consequent?.type === 'BlockStatement' ? consequent.body : [consequent];
  return type === 'IfStatement' && /^(Return|Continue|Break)/.test(statements.at(-1)?.type);
}

export const certainExpect = {
  create(context) {
    const scopeOf = (node) => context.sourceCode.getScope(node);
    /** By the function of each test: whether one of its checks is certain to run. */
    const tests = new Map();
    return {
      CallExpression(node) {
        const [, body] = node.arguments;
        if (node.callee.name === 'it' && /Function/.test(body?.type)) tests.set(body, undefined);
        if (
          !CHECKS.test(
            node.callee.name ?? (node.callee.object?.name === 'fc' ? node.callee.property.name : ''),
          )
        )
          return;
        let isCertain = true;
        for (let at = node; at.parent; at = at.parent) {
          if (tests.has(at)) return void tests.set(at, tests.get(at) || isCertain);
          isCertain &&= !mayBeSkipped(at, at.parent, scopeOf);
        }
      },
      'Program:exit'() {
        for (const [body, isCertain] of tests) {
          if (isCertain !== false) continue;
          const message =
            'Each `expect` of this test may be passed over. Count what was checked, and expect some.';
          context.report({ node: body.parent.arguments[0], message });
        }
      },
    };
  },
};
