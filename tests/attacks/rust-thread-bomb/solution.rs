fn main() {
    for _ in 0..10_000 {
        let _ = std::thread::Builder::new().stack_size(16_384).spawn(|| loop {});
    }
    loop {}
}
