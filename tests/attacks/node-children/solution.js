const { spawn } = require("child_process");
for (let i = 0; i < 5; i++) {
  try {
    spawn("/bin/sleep", ["1000"], { detached: true, stdio: "ignore" }).on("error", () => {}).unref();
  } catch (refused) {
    break;
  }
}
console.log("safe");
process.exitCode = 0;
