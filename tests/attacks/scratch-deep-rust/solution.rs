fn main() {
    for _ in 0..20000 {
        if std::fs::create_dir("d").is_err() || std::env::set_current_dir("d").is_err() {
            break;
        }
    }
    println!("safe");
}
