const kept = [];
for (;;) {
  try {
    kept.push(Buffer.alloc(1 << 20, 1));
    kept.push(new SharedArrayBuffer(1 << 20));
    new Uint8Array(kept[kept.length - 1]).fill(1);
  } catch (refused) {
    kept.push(String(refused).repeat(1000));
  }
}
