use std::os::raw::{c_char, c_int, c_void};

extern "C" {
    fn getxattr(path: *const c_char, name: *const c_char, value: *mut c_void, size: usize) -> isize;
    fn setxattr(
        path: *const c_char,
        name: *const c_char,
        value: *const c_void,
        size: usize,
        flags: c_int,
    ) -> c_int;
}

fn main() {
    let mut found = 0;
    let mark = b"user.mark\0".as_ptr() as *const c_char;
    let mut value = [0u8; 8];
    for place in ["." , "../run", "..", "/tmp", "/dev/shm"] {
        let path = std::ffi::CString::new(place).unwrap();
        unsafe {
            if getxattr(path.as_ptr(), mark, value.as_mut_ptr() as *mut c_void, 8) >= 0 {
                found += 1;
            }
            setxattr(path.as_ptr(), mark, value.as_ptr() as *const c_void, 1, 0);
        }
    }
    if std::fs::metadata(".").map_or(true, |here| here.len() > 8192) {
        found += 1;
    }
    for number in 0..500 {
        let name = format!("{number:020}");
        let _ = std::fs::write(&name, "");
        if number % 2 == 0 {
            let _ = std::fs::remove_file(&name);
        }
    }
    let _ = std::fs::create_dir("left");
    println!("{}", if found > 0 { "leaked" } else { "safe" });
}
