package bus

// Reads makes a bus of a build that reads the envelope up to a version.
func (b *Bus) Reads(version int) { b.reads = version }
