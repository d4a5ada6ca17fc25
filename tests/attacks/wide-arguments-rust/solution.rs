use std::os::raw::c_long;

extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
}

const HIGH: c_long = 0x25a5_a5a5 << 32;

fn main() {
    let mut pair = [0i32; 2];
    let mut limit = [0u64; 2];
    let path = b"/tmp/left\0".as_ptr();
    unsafe {
        let results = [
            ("prctl", syscall(157, HIGH | 4, 0 as c_long)),
            ("prlimit", syscall(302, HIGH | syscall(110), 0 as c_long, 0 as c_long, limit.as_mut_ptr())),
            ("socketpair", syscall(53, HIGH | 1, HIGH | 2, 0 as c_long, pair.as_mut_ptr())),
            ("openat", syscall(257, HIGH | 0xffffff9c, path, HIGH | 0x41, 0o600 as c_long)),
            ("ioctl", syscall(16, HIGH, HIGH | 0x5412, path)),
            ("pipe2", syscall(293, pair.as_mut_ptr(), HIGH | 0o200)),
        ];
        for (name, result) in results {
            if result != -1 {
                println!("leaked {}", name);
            }
        }
    }
    println!("safe");
}
