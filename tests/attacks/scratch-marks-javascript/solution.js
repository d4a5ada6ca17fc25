const fs = require("fs");

// Node has no call for attributes: what remains is size, links and mode of the directory.
const here = fs.statSync(".");
const found = here.size > 8192 || here.nlink !== 2 || (here.mode & 0o7777) !== 0o770;
for (let number = 0; number < 500; number++) {
  const name = String(number).padStart(20, "0");
  fs.writeFileSync(name, "");
  if (number % 2) {
    fs.unlinkSync(name);
  }
}
fs.mkdirSync("left");
console.log(found ? "leaked" : "safe");
