package contact

import (
	"context"
	"errors"
	"fmt"

	"onebook/internal/fault"
	"onebook/internal/store"
	"onebook/internal/suppression"
)

// ErrBlocked is wrapped by the refusal of [Welcome].
var ErrBlocked = errors.New("contact: the address is blocked")

// Blocked answers the block of an address, the zero Block when none was ever made. fault.Invalid for what is no address.
func Blocked(ctx context.Context, t store.Table, address string) (suppression.Block, error) {
	key, _, err := Key(address)
	if err != nil {
		return suppression.Block{}, err
	}
	return suppression.Get(ctx, t, suppression.Transactional, key)
}

// Welcome answers nil when letters may go to an address, however it is written. fault.Unready (address_blocked), wrapping
// ErrBlocked, when an earlier one came back for good or was complained of.
func Welcome(ctx context.Context, t store.Table, address string) error {
	b, err := Blocked(ctx, t, address)
	if errors.Is(err, fault.Invalid) {
		return nil // that it is no address is told by whoever reads it
	}
	if err != nil || !b.Stands() {
		return err
	}
	return fmt.Errorf("%w: %w", ErrBlocked, fault.Unready.Errorf(
		"nothing is mailed to %s since %s, because %s; correct the address, or unblock it in the issue about that",
		address, b.At.Format("2006-01-02"), because[b.Because]).Coded("address_blocked"))
}

var because = map[string]string{
	suppression.Bounced: "a letter to it came back", suppression.Complained: "its owner marked a letter as unwanted",
}
