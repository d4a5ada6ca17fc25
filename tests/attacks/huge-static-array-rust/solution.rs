const SIZE: usize = 100 << 20;
static mut ARRAY: [u8; SIZE] = [0; SIZE];

fn main() {
    let last = SIZE - std::env::args().count();
    unsafe {
        ARRAY[last] = 1;
        if ARRAY[SIZE - 1] == 1 {
            println!("safe");
        }
    }
}
