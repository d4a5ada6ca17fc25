const fs = require('fs');
try {
  fs.watch('/tmp').close();
  console.log('leaked');
} catch (refused) {
  console.log('safe');
}
