use std::fs;

fn main() {
    let path = "/proc/self/oom_score_adj";
    let _ = fs::write(path, "0");
    if fs::read_to_string(path).unwrap().trim() == "1000" {
        println!("safe");
    }
}
