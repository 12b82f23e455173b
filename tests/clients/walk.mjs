// A person's way through the TypeScript client, against the server at the address that is given; run by Node.
//
// usage: node walk.mjs ADDRESS PHOTOS NOBODY     (NOBODY: a photo without a face; the client is found as the package "semblance")
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { LiveChannel, Semblance, SemblanceError } from 'semblance';

const [address, folder, nobody] = process.argv.slice(2);
const photo = (name) => readFile(`${folder}/${name}.jpg`);
const patient = { timeout: 240000, patience: 240000 };
const faces = new Semblance(address, patient);
const refused = (code, promise) =>
  assert.rejects(promise, (error) => error instanceof SemblanceError && error.code === code && error.status > 0);

// The server may still be loading.
while (!(await faces.ready())) await new Promise((resolve) => setTimeout(resolve, 50));
assert.equal(await new Semblance('http://127.0.0.1:1').ready(), false);
const enrolled = await faces.enroll('44', 'Barack Obama', [await photo('obama'), new Blob([await photo('obama2')])], {
  consent: 'agreed',
});
assert.equal(enrolled.faces_added, 2);
const found = await faces.search(await photo('obama3'), { k: 1 });
assert.deepEqual([found.faces[0].verdict, found.faces[0].candidates[0].id], ['match', '44']);
await faces.enroll('id / 46?', 'Joe Biden', [await photo('biden')]);
assert.equal((await faces.person('id / 46?')).name, 'Joe Biden');
assert.equal((await faces.change('id / 46?', { id: '46' })).id, '46');
const listed = [];
for await (const person of faces.people({ sort: 'name', limit: 1 })) listed.push(person.id);
assert.deepEqual(listed, ['44', '46']);
assert.equal((await faces.addFaces('44', [await photo('obama3')])).faces_added, 1);
const kept = (await faces.faces('44')).faces;
assert.equal(kept.length, 3);
await faces.deleteFace('44', kept[2].face);

assert.equal((await faces.verify(await photo('obama'), await photo('obama2'), { fmr: 1e-4 })).match, true);
assert.equal((await faces.detect((await photo('obama')).buffer.slice(0))).faces?.length ?? 0, 1);
assert.equal((await faces.represent(await photo('obama'))).faces[0].embedding.length, 512);
assert.ok((await faces.analyze(await photo('obama'))).faces[0].age > 10);
assert.ok(await faces.quality(await photo('obama')));

await faces.createCollection('visitors');
const visitors = new Semblance(address, { ...patient, collection: 'visitors' });
assert.equal((await visitors.search(await photo('obama'))).faces[0].candidates.length, 0);
assert.ok((await faces.collections()).collections.some((collection) => collection.name === 'visitors'));
await faces.deleteCollection('visitors');

const job = await faces.importFiles([['Barack_Obama/obama.jpg', await photo('obama')]], { consent: 'agreed' });
assert.equal((await faces.wait(job.id, { every: 50 })).state, 'done');
assert.ok((await faces.jobs()).jobs.length >= 1);

const challenge = await faces.challenge([await photo('obama')]);
assert.ok(['running', 'failed'].includes(challenge.state));
assert.ok((await faces.thresholds({ fmr: 1e-5 })).meaning);

await refused('not_found', faces.person('nobody'));
await refused('no_face', faces.enroll('1', 'Nobody', [await readFile(nobody)]));
await refused('unsupported_image', faces.search(new Uint8Array([1, 2, 3, 4])));
await assert.rejects(async () => faces.search('photo.jpg'), TypeError);
assert.throws(() => new Semblance('ftp://host'), TypeError);
const cancelled = new AbortController();
cancelled.abort(new Error('enough'));
await assert.rejects(faces.search(await photo('obama'), { signal: cancelled.signal }), /enough/u);
await assert.rejects(new Semblance('http://127.0.0.1:1', { patience: 0 }).health());

if (typeof WebSocket === 'undefined') {
  assert.throws(() => faces.live(), /Node 22/u);
  console.log('no WebSocket here: the live channel was not tried');
} else {
  const channel = faces.live({ k: 1 });
  assert.ok(channel instanceof LiveChannel);
  await channel.send(await photo('obama2'));
  for await (const answer of channel) {
    assert.equal(answer.faces[0].candidates[0].id, '44');
    assert.equal(answer.frame, 1);
    channel.close();
  }
  const unreachable = new Semblance('http://127.0.0.1:1').live();
  await assert.rejects(unreachable.send(await photo('obama')), SemblanceError);
}
assert.ok(await faces.delete('44'));
console.log('passed');
