use std::net::TcpStream;
use std::process::Command;

fn main() {
    if Command::new("/bin/sleep").arg("1000").spawn().is_ok() {
        println!("leaked a child");
    }
    if TcpStream::connect("169.254.170.2:80").is_ok() || std::fs::write("left-behind", "x").is_ok() {
        println!("leaked");
    }
    println!("safe");
}
