// Two devices of one user keep a collection in step with kinto.js, offline changes included.
// Usage: node kinto_js_session.cjs SERVER_URL
"use strict";

require("fake-indexeddb/auto");
const assert = require("node:assert/strict");
const Kinto = require("kinto").default;

const remote = process.argv[2];
const bucket = "devices";
const authorization = "Basic " + Buffer.from("dora:secret").toString("base64");

function device(name) {
  const kinto = new Kinto({
    remote,
    bucket,
    adapterOptions: { dbName: name },
    headers: { Authorization: authorization },
  });
  return { api: kinto.api, tasks: kinto.collection("tasks") };
}

async function titles(collection) {
  const { data } = await collection.list({ order: "title" });
  return data.map((record) => record.title);
}

async function main() {
  const phone = device("phone");
  const laptop = device("laptop");

  const info = await phone.api.fetchServerInfo();
  assert.equal(info.http_api_version.split(".")[0], "1");
  await phone.api.createBucket(bucket);
  await phone.api.bucket(bucket).createCollection("tasks");

  // Made offline, sent in one go: more than one batch holds.
  const count = info.settings.batch_max_requests + 5;
  const made = [];
  for (let number = 0; number < count; number++) {
    const title = `task ${String(number).padStart(2, "0")}`;
    made.push((await phone.tasks.create({ title, done: false })).data);
  }
  let result = await phone.tasks.sync();
  assert.equal(result.ok, true);
  assert.equal(result.published.length, count);

  result = await laptop.tasks.sync();
  assert.equal(result.created.length, count);
  assert.deepEqual(await titles(laptop.tasks), await titles(phone.tasks));

  // Nothing new: nothing comes.
  result = await laptop.tasks.sync();
  assert.equal(result.created.length + result.updated.length + result.deleted.length, 0);

  // Only what changed comes, deletions included.
  await phone.tasks.update({ ...made[0], done: true });
  await phone.tasks.delete(made[1].id);
  await phone.tasks.create({ title: "zzz", done: false });
  await phone.tasks.sync();
  result = await laptop.tasks.sync();
  assert.equal(result.updated.length, 1);
  assert.equal(result.deleted.length, 1);
  assert.equal(result.created.length, 1);
  assert.equal((await laptop.tasks.get(made[0].id)).data.done, true);
  assert.deepEqual(await titles(laptop.tasks), await titles(phone.tasks));

  // Both change one record: the second is told, decides, and both agree again.
  await phone.tasks.update({ ...(await phone.tasks.get(made[2].id)).data, title: "by phone" });
  await laptop.tasks.update({ ...(await laptop.tasks.get(made[2].id)).data, title: "by laptop" });
  await phone.tasks.sync();
  result = await laptop.tasks.sync();
  assert.equal(result.ok, false);
  assert.equal(result.conflicts.length, 1);
  assert.equal(result.conflicts[0].remote.title, "by phone");
  result = await laptop.tasks.sync({ strategy: Kinto.syncStrategy.CLIENT_WINS });
  assert.equal(result.ok, true);
  await phone.tasks.sync();
  assert.equal((await phone.tasks.get(made[2].id)).data.title, "by laptop");

  await pages(phone.api);
  await lostUpdate(phone.api);
}

// The list in pages has every record once, whatever the size of a page.
async function pages(api) {
  const records = api.bucket(bucket).collection("tasks");
  const all = await records.listRecords({ pages: Infinity });
  const paged = await records.listRecords({ limit: 7, pages: Infinity, sort: "title" });
  assert.equal(paged.data.length, all.data.length);
  assert.equal(new Set(paged.data.map((record) => record.id)).size, all.data.length);
  assert.equal(await records.getTotalRecords(), all.data.length);
}

// A write with a stale copy is refused, with what is stored.
async function lostUpdate(api) {
  const records = api.bucket(bucket).collection("tasks");
  const { data: first } = await records.createRecord({ title: "one" });
  await records.updateRecord({ ...first, title: "two" }, { safe: true });
  await assert.rejects(
    records.updateRecord({ ...first, title: "three" }, { safe: true }),
    (error) => error.response.status === 412 && error.data.details.existing.title === "two"
  );
}

main().then(
  () => console.log("done"),
  (error) => {
    console.error(error);
    process.exit(1);
  }
);
