#![recursion_limit = "100000"]

macro_rules! bomb {
    ($($one:tt)*) => { bomb!($($one)* $($one)* x) };
}

fn main() {
    bomb!(x);
}
