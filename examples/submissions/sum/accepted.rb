# Right, but in a language that no worker knows.
puts STDIN.read.split.drop(1).sum(&:to_i)
