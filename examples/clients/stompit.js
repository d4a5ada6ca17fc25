// Submit with stompit, and read the result from the bucket.
"use strict";
const stompit = require("stompit");
const { SAMPLE, readLogin, readResult, requestHeaders, run, storeSource } = require("./grading");

async function connect() {
  const { servers, user, password, ca } = await readLogin();
  const connectHeaders = { host: "/", login: user, passcode: password, "heart-beat": "10000,10000" };
  const manager = new stompit.ConnectFailover(
    servers.map((server) => ({ ...server, ssl: true, ca, connectHeaders })),
    { maxReconnects: 10 });
  return new Promise((resolve, reject) =>
    manager.connect((error, client) => (error ? reject(error) : resolve(client))));
}

function send(client, request) {
  const headers = { destination: "/queue/grading-requests", ...requestHeaders(request) };
  return new Promise((resolve, reject) => {
    client.on("error", reject);
    client.send(headers, { onReceipt: resolve }).end(JSON.stringify(request));
  });
}

run(async () => {
  const client = await connect();
  const request = await storeSource(SAMPLE);
  await send(client, request);
  client.disconnect();
  return readResult(request.requestId, 60);
});
