// Submit with @stomp/stompjs, and consume all results of the environment, as a web tier does.
// Do not run it where another program consumes grading-results: it would miss what this one acknowledges.
"use strict";
const tls = require("node:tls");
const { Client } = require("@stomp/stompjs");
const { SAMPLE, readLogin, requestHeaders, run, storeSource } = require("./grading");

/** A TLS socket with the interface of a WebSocket, as stompjs wants it. */
class TlsSocket {
  readyState = 0; // connecting

  constructor({ host, port, ca }) {
    this.url = `stomp+ssl://${host}:${port}`;
    this.socket = tls.connect({ host, port, ca, servername: host });
    this.socket.on("secureConnect", () => { this.readyState = 1; this.onopen(); });
    this.socket.on("data", (data) => this.onmessage({ data }));
    this.socket.on("error", (error) => this.onerror(error));
    this.socket.on("close", () => { this.readyState = 3; this.onclose({}); });
  }

  send(data) { this.socket.write(data); }
  close() { this.readyState = 2; this.socket.end(); }
  terminate() { this.socket.destroy(); }
}

async function connect() {
  const { servers, user, password, ca } = await readLogin();
  let attempts = 0;
  const client = new Client({
    webSocketFactory: () => new TlsSocket({ ...servers[attempts++ % servers.length], ca }),
    connectHeaders: { host: "/", login: user, passcode: password },
    heartbeatIncoming: 10000,
    heartbeatOutgoing: 10000,
    heartbeatToleranceMultiplier: 2.5, // ActiveMQ is up to twice as late as it promises
    reconnectDelay: 1000,
  });
  client.onWebSocketError = console.error; // it tries the next server
  return new Promise((resolve, reject) => {
    client.onStompError = (frame) => reject(new Error(frame.headers.message));
    client.onConnect = () => resolve(client);
    client.activate();
  });
}

function send(client, request) {
  return new Promise((resolve, reject) => {
    client.onStompError = (frame) => reject(new Error(frame.headers.message));
    client.watchForReceipt(request.requestId, resolve);
    client.publish({
      destination: "/queue/grading-requests",
      headers: { ...requestHeaders(request), receipt: request.requestId },
      body: JSON.stringify(request),
    });
  });
}

/** Handle each result; one is unacknowledged at a time. */
function consume(client, handle) {
  client.subscribe(
    "/queue/grading-results",
    async (message) => {
      await handle(JSON.parse(message.body));
      message.ack(); // after the result is safe, for example in the database of the web tier
    },
    { ack: "client-individual", "activemq.prefetchSize": "1" });
}

run(async () => {
  const client = await connect();
  const request = await storeSource(SAMPLE);
  const own = new Promise((resolve) =>
    consume(client, (result) => { if (result.requestId === request.requestId) resolve(result); }));
  await send(client, request);
  const result = await own;
  await client.deactivate(); // waits for the receipt of DISCONNECT
  return result;
});
