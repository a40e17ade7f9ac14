// Calls every method of RunPod's JavaScript client, unmodified, and prints what each returned as one JSON line at the end.
// node client.mjs PACKAGE BASE_URL KEY PLAIN_ENDPOINT GENERATOR_ENDPOINT

const [entry, baseUrl, key, plainId, generatorId] = process.argv.slice(2);
const { default: runpodSdk } = await import(entry);
const runpod = runpodSdk(key, { baseUrl });
const plain = runpod.endpoint(plainId);
const generator = runpod.endpoint(generatorId);
const told = {};

told.run = await plain.run({ input: { a: 1 } });
told.status = await plain.status(told.run.id);
told.statusSync = await plain.statusSync(told.run.id, 60000);
told.runSync = await plain.runSync({ input: { b: 2 } }, 60000);
told.failed = await plain.runSync({ input: { raise: true } }, 60000);

const streamed = await generator.run({ input: { parts: 3 } });
told.stream = [];
for await (const part of generator.stream(streamed.id)) told.stream.push(part);

const blocking = await plain.run({ input: { block: 30 }, policy: { executionTimeout: 60000 } });
while ((await plain.status(blocking.id)).status !== "IN_PROGRESS") await new Promise((done) => setTimeout(done, 50));
const waiting = await plain.run({ input: { c: 3 } });
told.health = await plain.health();
told.purgeQueue = await plain.purgeQueue();
told.purged = await plain.status(waiting.id);
told.cancel = await plain.cancel(blocking.id);
told.cancelled = await plain.status(blocking.id);

try {
  await runpodSdk("wrong", { baseUrl }).endpoint(plainId).health();
} catch (failure) {
  told.wrongKey = failure.response?.status;
}
console.log(JSON.stringify(told));
