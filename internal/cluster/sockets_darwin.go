package cluster

// portsOf is not known on macOS without a program that needs seconds.
func portsOf([]process) []int { return nil }

// holdersOf is not known on macOS without a program that needs seconds.
func holdersOf(int) []process { return nil }
