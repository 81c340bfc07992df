package store

import (
	"context"
	"errors"

	"onebook/internal/fault"
)

// Meter answers a Table that tells fn what each operation of each committed Write cost, exactly, by [OpUnits]. It
// reads every item before it is written, so it is for tests and benchmarks.
func Meter(t Table, fn func(op Op, deed, index int)) Table { return metered{t, fn} }

type metered struct {
	Table
	tell func(op Op, deed, index int)
}

func (m metered) Write(ctx context.Context, ops ...Op) error {
	olds := make([]*Item, len(ops))
	for i := range ops {
		it, err := m.Get(ctx, ops[i].Item.Key)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		olds[i] = &it
	}
	if err := m.Table.Write(ctx, ops...); err != nil {
		return err
	}
	for i := range ops {
		deed, index := OpUnits(ops[i], olds[i])
		m.tell(ops[i], deed, index)
	}
	return nil
}
