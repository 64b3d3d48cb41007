// Appends once through Node's stock gRPC client, although one node of the cluster is down.
//
//     node story.js DEAD_NODE NODE NODE...        each an IPv4 address and port
//
// One client for each node. A request that gets no answer from one is sent to the next, under the same id.
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');

const LOG = 'stock-node';
const DEADLINE_MS = 10_000;
const ATTEMPTS_MAX = 10;
const BACKOFF_MS = 100;
// Another node, or the same one a little later, may know. All other codes are answers.
const TRY_AGAIN = [grpc.status.UNAVAILABLE, grpc.status.DEADLINE_EXCEEDED, grpc.status.RESOURCE_EXHAUSTED];

const definitions = protoLoader.loadSync(['oncelog/v1/log.proto', 'google/rpc/rich_error.proto'], {
  includeDirs: [path.join(__dirname, '../../../proto'), path.join(__dirname, '..')],
  // 64-bit numbers do not fit into a number; enums by name; fields that hold their default are not left out.
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});
const { LogService } = grpc.loadPackageDefinition(definitions).oncelog.v1;
const { 'google.rpc.Status': Status, 'google.rpc.ErrorInfo': ErrorInfo } = definitions;

/** Opens a client of one node, or of several: `ipv4:a,b`. */
function open(target) {
  return new LogService(target, grpc.credentials.createInsecure());
}

/** Makes one attempt. */
function attempt(client, method, request) {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + DEADLINE_MS };
    client[method](request, options, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

/** Asks one node after the other until one answers. For an append that is safe: its id makes all attempts one. */
async function call(clients, method, request) {
  for (let number = 1; ; number += 1) {
    try {
      return await attempt(clients[(number - 1) % clients.length], method, request);
    } catch (error) {
      if (!TRY_AGAIN.includes(error.code) || number === ATTEMPTS_MAX) throw error;
      console.log(`  attempt ${number}: ${grpc.status[error.code]}, effect ${effect(error)}; the next node is asked`);
      await sleep(BACKOFF_MS);
    }
  }
}

/** What oncelog says of an error; undefined if it comes from the way there. */
function errorInfo(error) {
  const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!bytes) return undefined;
  const detail = Status.deserialize(bytes).details.find(({ type_url: type }) => type.endsWith('/google.rpc.ErrorInfo'));
  const info = detail && ErrorInfo.deserialize(detail.value);
  return info?.domain === 'oncelog' ? info : undefined;
}

/** Whether the attempt may have changed anything: `none`, or `unknown`. */
function effect(error) {
  return errorInfo(error)?.metadata.effect ?? 'unknown';
}

async function main(nodes) {
  const [dead, ...live] = nodes.map(open);
  // Made before the first attempt, and kept through every retry.
  const id = { text: randomUUID() };
  const append = (text) => ({ log: LOG, id, records: [{ payload: Buffer.from(text) }] });

  const first = await call([dead, ...live], 'append', append('two tickets'));
  assert.equal(first.arrival, 'FIRST');
  shown(`append: FIRST, at offset ${first.firstOffset}, although the node that was asked first is down`);

  for (const client of live) {
    const again = await call([client], 'append', append('two tickets'));
    assert.deepEqual(again, { ...first, arrival: 'REPLAYED' });
  }
  shown('the same again at every other node: REPLAYED, with the first answer');

  const refused = await call(live, 'append', append('two hundred tickets')).then(
    (answer) => assert.fail(`the id was taken twice: ${JSON.stringify(answer)}`),
    (error) => error,
  );
  assert.equal(refused.code, grpc.status.ALREADY_EXISTS, refused.message);
  const { reason, metadata } = errorInfo(refused);
  assert.deepEqual({ reason, effect: metadata.effect }, { reason: 'ID_REUSED', effect: 'none' });
  shown(`other content under the same id: ALREADY_EXISTS, ${reason}, effect ${metadata.effect}`);

  const page = await call(live, 'read', { log: LOG, from: first.firstOffset });
  const records = page.records.map((record) => [record.offset, record.payload.toString(), record.id.text]);
  assert.deepEqual(records, [[first.firstOffset, 'two tickets', id.text]]);
  assert.equal(page.next, page.end);
  shown('read: the record is there, once');

  const known = await call(live, 'lookup', { id });
  assert.equal(known.fate, 'decided');
  assert.equal(known.decided.outcome.sequence, first.sequence);
  assert.equal(known.decided.outcome.applied.results[0].appended.firstOffset, first.firstOffset);
  shown('lookup: the id was applied, at the same offset');

  const all = open(`ipv4:${nodes.join(',')}`);
  assert.deepEqual(await attempt(all, 'append', append('two tickets')), { ...first, arrival: 'REPLAYED' });
  shown('one client over all addresses, the dead one first: answered, without any option');

  [dead, ...live, all].forEach((client) => client.close());
}

function shown(what) {
  console.log(`✓ ${what}`);
}

if (process.argv.length < 4) {
  console.error('node story.js DEAD_NODE NODE NODE...');
  process.exit(2);
}
main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
