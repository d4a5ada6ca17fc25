const fs = require("fs");

const path = "/proc/self/oom_score_adj";
try {
  fs.writeFileSync(path, "0");
} catch (refused) {
  // as it should be
}
if (fs.readFileSync(path, "utf8").trim() === "1000") {
  console.log("safe");
}
