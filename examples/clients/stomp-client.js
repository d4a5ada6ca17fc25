// Submit with stomp-client, and read the result from the bucket.
"use strict";
const { StompClient } = require("stomp-client");
const { SAMPLE, readLogin, readResult, requestHeaders, run, storeSource } = require("./grading");

function open(server, { user, password, ca }) {
  const client = new StompClient({ ...server, user, pass: password, tls: { ca } });
  return new Promise((resolve, reject) => client.connect(() => resolve(client), reject));
}

/** Connect to the first server that answers. */
async function connect() {
  const login = await readLogin();
  const errors = [];
  for (const server of login.servers) {
    try {
      return await open(server, login);
    } catch (error) {
      errors.push(error);
    }
  }
  throw new AggregateError(errors, "no server accepted the connection");
}

function send(client, request) {
  return new Promise((resolve, reject) => {
    client.on("error", reject);
    // The client asks for receipts and has no public event for them.
    client._stompFrameEmitter.on("RECEIPT", ({ headers }) => {
      if (headers["receipt-id"] === request.requestId) resolve();
    });
    client.publish("/queue/grading-requests", JSON.stringify(request), {
      ...requestHeaders(request),
      receipt: request.requestId,
    });
  });
}

run(async () => {
  const client = await connect();
  const request = await storeSource(SAMPLE);
  await send(client, request);
  client.disconnect();
  return readResult(request.requestId, 60);
});
