// The calls of the API: problem details as errors, repetition with one Idempotency-Key, and the
// event stream of a submission, which is resumed after a loss.

const LONGEST_SILENCE = 40_000; // milliseconds; the server sends a comment every 15 seconds
const LONGEST_PAUSE = 30_000;
const REPEATED = new Set([0, 429, 502, 503, 504]);

export class ApiError extends Error {
  /** @param status 0 if there was no answer. */
  constructor(status, problem = {}, retryAfter = 0) {
    super(problem.detail || problem.title || "");
    this.status = status;
    this.kind = /[\w-]*$/.exec(problem.type ?? "")[0];
    this.nextStep = problem.nextStep || "";
    this.fields = problem.errors || [];
    this.retryAfter = retryAfter;
  }
}

export const pause = (milliseconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, milliseconds);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

/** A random id. crypto.randomUUID does not exist on plain http. */
export const randomId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function asError(answer) {
  let problem = {};
  try { problem = await answer.json(); } catch { /* a proxy answered */ }
  return new ApiError(answer.status, problem, Number(answer.headers.get("Retry-After")) || 0);
}

export class Api {
  constructor(key) { this.key = key; }

  async fetch(path, { method = "GET", body, headers = {}, signal, accept = "application/json" } = {}) {
    const all = { Accept: accept, Authorization: `Bearer ${this.key}`, ...headers };
    if (body !== undefined) all["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(path, { method, headers: all, signal, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body) });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError(0);
    }
    if (!answer.ok) throw await asError(answer);
    return answer;
  }

  async json(path, options) {
    const answer = await this.fetch(path, options);
    try { return await answer.json(); } catch { throw new ApiError(0); }
  }

  async text(path, options) { return (await this.fetch(path, { ...options, accept: "text/markdown" })).text(); }

  /** Sends something once, whatever happens to the answer: repetitions have the same key. */
  async send(path, body, { signal, waiting = () => {} } = {}) {
    const headers = { "Idempotency-Key": randomId() };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.json(path, { method: "POST", body, headers, signal });
      } catch (error) {
        if (!(error instanceof ApiError) || !REPEATED.has(error.status) || attempt === 5) throw error;
        const seconds = Math.min(error.retryAfter || 2 ** (attempt - 1), 30);
        waiting(seconds, error);
        await pause(seconds * 1000, signal);
      }
    }
  }

  /** Puts a large program to the address that the API gave for it; 412: it was stored before. */
  async upload(url, headers, bytes, signal) {
    let answer;
    try { answer = await fetch(url, { method: "PUT", headers, body: bytes, signal, credentials: "omit" }); }
    catch (error) { if (signal?.aborted) throw error; throw new ApiError(0); }
    if (!answer.ok && answer.status !== 412) throw new ApiError(answer.status);
  }

  /**
   * Yields the documents of a submission until the final one. After a loss it resumes with
   * Last-Event-ID; where no stream is to be had, it asks from time to time.
   */
  async *watch(id, { signal, waiting = () => {} } = {}) {
    const path = `/v1/submissions/${encodeURIComponent(id)}`;
    let last = "";
    for (let failures = 0; ;) {
      try {
        for await (const event of this.#events(`${path}/events`, last, signal)) {
          failures = 0;
          last = event.id || last;
          if (event.type !== "submission") continue;
          const found = JSON.parse(event.data);
          yield found;
          if (isFinal(found)) return;
        }
      } catch (error) {
        if (signal?.aborted) throw error;
        if (error instanceof ApiError && error.status !== 204 && !REPEATED.has(error.status)) throw error;
        if (error instanceof ApiError && error.status !== 0) {
          const found = await this.json(path, { signal }).catch(() => null);
          if (found) yield found;
          if (found && isFinal(found)) return;
        }
        waiting(error);
        await pause(Math.min(error.retryAfter ? error.retryAfter * 1000 : 1000 * 2 ** failures, LONGEST_PAUSE), signal);
        failures = Math.min(failures + 1, 5);
        continue;
      }
      await pause(Math.min(1000 * 2 ** failures, LONGEST_PAUSE), signal);
      failures = Math.min(failures + 1, 5);
    }
  }

  async *#events(path, last, signal) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), LONGEST_SILENCE);
    const either = AbortSignal.any([silence.signal, ...(signal ? [signal] : [])]);
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      const answer = await this.fetch(path, { headers, signal: either, accept: "text/event-stream" });
      if (!answer.body) throw new ApiError(answer.status); // 204: the last event was seen
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const parse = eventParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), LONGEST_SILENCE);
        yield* parse(value);
      }
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }
}

/** Whether a document is the answer of a function; before that it is a submission with its functionId. */
export const isAnswer = (found) => "exitCode" in found;

/** Whether nothing follows. */
export const isFinal = (found) => isAnswer(found) || found.status === "completed" || found.status === "failed";

/** Parses text/event-stream piece by piece: returns the events that a piece completes. */
export function eventParser() {
  let rest = "";
  let event = { type: "message", id: "", data: [] };
  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    const complete = [];
    for (const line of lines) {
      if (line === "") {
        if (event.data.length) complete.push({ type: event.type, id: event.id, data: event.data.join("\n") });
        event = { type: "message", id: "", data: [] };
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") event.type = value;
      else if (field === "id") event.id = value;
      else if (field === "data") event.data.push(value);
    }
    return complete;
  };
}
