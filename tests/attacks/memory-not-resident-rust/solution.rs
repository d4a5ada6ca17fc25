extern "C" {
    fn mmap(at: *mut u8, size: usize, access: i32, flags: i32, file: i32, offset: i64) -> *mut u8;
    fn madvise(at: *mut u8, size: usize, advice: i32) -> i32;
}

fn main() {
    let (shared_anonymous, not_needed, piece) = (0x21, 4, 1 << 20);
    for _ in 0..400 {
        unsafe {
            let block = mmap(std::ptr::null_mut(), piece, 3, shared_anonymous, -1, 0);
            if block as isize == -1 {
                println!("safe");
                return;
            }
            block.write_bytes(1, piece);
            madvise(block, piece, not_needed);
        }
    }
    println!("leaked");
}
