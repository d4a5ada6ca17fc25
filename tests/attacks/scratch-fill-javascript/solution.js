const fs = require("fs");

const block = Buffer.alloc(1 << 20, "x");
for (let number = 0; number < 80; number++) {
  fs.writeFileSync(String(number), block);
}
console.log("safe");
