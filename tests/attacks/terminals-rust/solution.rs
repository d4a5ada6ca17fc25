use std::fs::File;
use std::os::raw::{c_int, c_ulong};
use std::os::unix::io::AsRawFd;

extern "C" {
    fn ioctl(descriptor: c_int, request: c_ulong, ...) -> c_int;
}

const PEER: c_ulong = 0x5441;
const READ_WRITE: c_int = 2;

fn main() {
    for _ in 0..10 {
        if let Ok(master) = File::open("/dev/ptmx") {
            if unsafe { ioctl(master.as_raw_fd(), PEER, READ_WRITE) } >= 0 {
                println!("leaked");
            }
        }
    }
    println!("safe");
}
