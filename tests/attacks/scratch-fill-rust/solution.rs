fn main() {
    let block = vec![b'x'; 1 << 20];
    for number in 0..80 {
        if std::fs::write(number.to_string(), &block).is_err() {
            break;
        }
    }
    println!("safe");
}
