const { Worker } = require("worker_threads");
process.on("uncaughtException", () => {});
for (let i = 0; i < 200; i++) {
  try {
    new Worker("for (;;) {}", { eval: true }).on("error", () => {});
  } catch (refused) {
    continue;
  }
}
for (;;) {}
