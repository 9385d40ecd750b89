package bus

import "context"

// DeadLetters is the number of dead letters that the bus keeps; operators alert on its growth. fault.Unavailable while NATS is down.
func (b *Bus) DeadLetters(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.RequestTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, DeadStream)
	if err != nil {
		return 0, classify(err, "look up stream "+DeadStream)
	}
	return stream.CachedInfo().State.Msgs, nil
}
