// Submit by the HTTP API with fetch, and wait for the result. Needs no package, and Node 18 or newer.
"use strict";
const { randomUUID } = require("node:crypto");
const { setTimeout: pause } = require("node:timers/promises");

const api = process.env.GRADING_API; // such as https://grading.example.com
const headers = {
  authorization: `Bearer ${process.env.GRADING_API_KEY}`,
  "content-type": "application/json",
};

/** Make a call; again after 429, 503 or a lost connection, for at most a minute. */
async function call(path, options = {}) {
  for (const end = Date.now() + 60_000; ; ) {
    let answer, lost;
    try {
      answer = await fetch(api + path, { ...options, headers: { ...headers, ...options.headers } });
    } catch (error) {
      lost = error;
    }
    if (answer?.ok) return answer.json();
    if (answer && ![429, 502, 503, 504].includes(answer.status)) {
      const problem = await answer.json();
      throw new Error(`${answer.status} ${problem.detail} ${problem.nextStep ?? ""}`);
    }
    const seconds = Number(answer?.headers.get("retry-after")) || 1;
    if (Date.now() + seconds * 1000 > end) throw lost ?? new Error(`HTTP ${answer.status}`);
    await pause(seconds * 1000);
  }
}

async function main() {
  const { requestId } = await call("/v1/submissions", {
    method: "POST",
    headers: { "idempotency-key": randomUUID() }, // the same for each repetition of this call
    body: JSON.stringify({
      problemId: "sum",
      language: "python",
      source: "print(sum(map(int, open(0).read().split()[1:])))",
    }),
  });
  for (;;) {
    const { status, result, error } = await call(`/v1/submissions/${requestId}`);
    if (status === "completed") return console.log(status, result.verdict, result.score);
    if (status === "failed") return console.log(status, error.code, error.message);
    await pause(1000);
  }
}

main().catch((error) => { console.error(error.message); process.exit(1); });
