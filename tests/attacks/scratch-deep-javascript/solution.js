const fs = require("fs");

for (let level = 0; level < 20000; level++) {
  fs.mkdirSync("d");
  process.chdir("d");
}
console.log("safe");
