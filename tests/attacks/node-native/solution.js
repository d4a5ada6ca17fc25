const fs = require("fs");
const attempts = [
  () => process.dlopen({ exports: {} }, "/tmp/evil.node"),
  () => fs.writeFileSync("/tmp/left-behind", "x"),
  () => fs.writeFileSync("left-behind", "x"),
  () => fs.symlinkSync("/etc/passwd", "/tmp/left-behind"),
  () => fs.readFileSync("/etc/shadow"),
  () => fs.readFileSync(`/proc/${process.ppid}/environ`),
  () => process.setuid(0),
  () => process.chdir("/root"),
  () => process.kill(process.ppid, "SIGKILL"),
];
for (const attempt of attempts) {
  try {
    attempt();
  } catch (refused) {
    continue;
  }
  console.log("leaked", String(attempt));
}
const channel = require("net").connect(80, "169.254.170.2");
channel.on("connect", () => console.log("leaked"));
channel.on("error", () => {});
setTimeout(() => process.exit(0), 50);
console.log("safe");
