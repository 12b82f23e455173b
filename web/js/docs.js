// Shows openapi.json as a page: groups, routes, their fields and answers, and how to call each with curl.
import { $, el } from './dom.js';

let api;

const resolve = (thing) =>
  thing?.$ref
    ? thing.$ref
        .slice(2)
        .split('/')
        .reduce((at, key) => at[key], api)
    : thing;

function kind(schema) {
  const one = resolve(schema) ?? {};
  if (one.enum) return one.enum.map((word) => JSON.stringify(word)).join(' | ');
  if (one.oneOf ?? one.anyOf) return (one.oneOf ?? one.anyOf).map(kind).join(' or ');
  if (one.type === 'array') return `list of ${kind(one.items)}`;
  if (one.format === 'binary') return 'file';
  if (one.contentEncoding) return one.contentEncoding;
  const range = 'minimum' in one && 'maximum' in one ? ` ${one.minimum}..${one.maximum}` : '';
  return `${[one.type ?? 'any'].flat().join(' or ')}${range}`;
}

function table(heads, rows) {
  if (!rows.length) return null;
  return el(
    'table',
    {},
    el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { scope: 'col' }, head)))),
    el(
      'tbody',
      {},
      ...rows.map((cells) =>
        el('tr', {}, ...cells.map((cell, index) => el('td', {}, index ? cell : el('code', {}, cell)))),
      ),
    ),
  );
}

function fields(schema) {
  const one = resolve(schema) ?? {};
  return Object.entries(one.properties ?? {}).map(([name, value]) => [
    name + ((one.required ?? []).includes(name) ? ' *' : ''),
    kind(value),
    resolve(value).description ?? '',
  ]);
}

function curl(method, path, operation) {
  const form = resolve(operation.requestBody)?.content?.['multipart/form-data']?.schema;
  const one = resolve(form);
  const parts = Object.entries(one?.properties ?? {})
    .filter(([name]) => (one.required ?? []).includes(name))
    .map(([name, value]) => ` -F ${name}=${/file/u.test(kind(value)) ? '@photo.jpg' : '...'}`)
    .join('');
  return `curl${method === 'get' ? '' : ` -X ${method.toUpperCase()}`}${parts} '${location.origin}${path}'`;
}

function section(title, content) {
  return content ? [el('h3', {}, title), content] : [];
}

function operationBox(path, method, operation) {
  const parameters = (operation.parameters ?? []).map(resolve);
  const body = resolve(operation.requestBody);
  const answers = Object.entries(operation.responses).map(([code, answer]) => [code, resolve(answer).description]);
  const forms = Object.entries(body?.content ?? {}).flatMap(([type, media]) =>
    section(`Body: ${type}`, table(['Field', 'Kind', 'Meaning'], fields(media.schema))),
  );
  const ok = Object.entries(operation.responses).find(([code]) => code.startsWith('2'));
  const shape = Object.values(resolve(ok?.[1])?.content ?? {})[0]?.schema;
  return el(
    'details',
    {},
    el(
      'summary',
      {},
      el('b', { className: method }, method.toUpperCase()),
      el('code', {}, path),
      el('span', {}, operation.summary),
    ),
    el(
      'div',
      { className: 'body' },
      ...(operation.description ? [el('p', {}, operation.description)] : []),
      ...section(
        'Parameters',
        table(
          ['Name', 'In', 'Kind', 'Meaning'],
          parameters.map((one) => [
            one.name + (one.required ? ' *' : ''),
            one.in,
            kind(one.schema),
            one.description ?? '',
          ]),
        ),
      ),
      ...forms,
      ...section('Answers', table(['Status', 'Meaning'], answers)),
      ...section(`Fields of ${ok?.[0]}`, shape ? table(['Field', 'Kind', 'Meaning'], fields(shape)) : null),
      ...section('Try it', el('pre', { tabIndex: 0 }, curl(method, path, operation))),
    ),
  );
}

function show(filter = '') {
  const groups = new Map(api.tags.map((tag) => [tag.name, { about: tag.description, boxes: [] }]));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (method !== 'parameters' && `${method} ${path} ${operation.summary}`.toLowerCase().includes(filter))
        groups.get(operation.tags[0]).boxes.push(operationBox(path, method, operation));
    }
  }
  const full = [...groups].filter(([, group]) => group.boxes.length);
  $('#groups').replaceChildren(...full.map(([name], index) => el('a', { href: `#group-${index}` }, name)));
  $('#routes').replaceChildren(
    ...full.flatMap(([name, group], index) => [
      el('h2', { id: `group-${index}` }, name),
      el('p', {}, group.about),
      ...group.boxes,
    ]),
  );
}

api = await (await fetch('v1/openapi.json')).json();
$('#about').textContent = `${api.info.description} Version ${api.info.version}.`;
$('#filter').addEventListener('input', (event) => show(event.target.value.trim().toLowerCase()));
show();
