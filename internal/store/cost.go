package store

// stampLen is the length of a Write's stamp, which the items that it creates carry.
const stampLen = 16

// size counts names and values by AWS's rules; a created item also carries its Write's stamp.
func (it *Item) size(created bool) int {
	n := 0
	for _, a := range it.attrs("") {
		n += a.size()
	}
	if created {
		n += len(attrStamp) + stampLen
	}
	return n
}

// entrySize counts the item's entry in an index, 0 when it stands in none.
func (it *Item) entrySize(x Index) int {
	place := *x.of(it)
	if place == (Key{}) {
		return 0
	}
	part, sort := x.place()
	n := len(attrPK) + len(it.PK) + len(attrSK) + len(it.SK) + len(part) + len(place.PK) + len(sort) + len(place.SK)
	if it.Kind != "" {
		n += len(attrKind) + len(it.Kind)
	}
	if x == Book && len(it.Body) > 0 {
		n += len(attrBody) + len(packBody(it.Body))
	}
	return n
}

func kilobytes(bytes int) int { return (bytes + 1023) / 1024 }

// WriteUnits is the least that a Write of ops costs, in write request units, from the real sizes of its items: the
// transaction takes two for every begun KB of every item; index counts what the indexes take besides. Nothing is
// known of the stored items here, so a Delete or a version Check counts as 1 KB, and a replaced item as one that
// moves in each index it stands in. [Meter] is exact.
func WriteUnits(ops ...Op) (deed, index int) {
	for i := range ops {
		deed += 2 * kilobytes(ops[i].size())
		if ops[i].Action != ActPut {
			continue
		}
		for _, x := range indexes {
			entry := kilobytes(ops[i].Item.entrySize(x))
			if !ops[i].creates() {
				entry *= 2
			}
			index += entry
		}
	}
	return deed, index
}

// OpUnits is what one operation of a Write costs when the key holds old; nil is nothing. A transaction takes two
// units for every begun KB of the larger of both items. An index takes one for every begun KB of an entry that
// comes, goes or changes; an entry that moves goes and comes.
func OpUnits(op Op, old *Item) (deed, index int) {
	before := 0
	if old != nil {
		before = old.size(old.Version == 1)
	}
	after := op.size()
	deed = 2 * max(kilobytes(before), kilobytes(after))
	if op.Action == ActCheck {
		return deed, 0
	}
	for _, x := range indexes {
		index += entryUnits(x, op, old)
	}
	return deed, index
}

func entryUnits(x Index, op Op, old *Item) int {
	before, after := 0, 0
	if old != nil {
		before = kilobytes(old.entrySize(x))
	}
	if op.Action == ActPut {
		after = kilobytes(op.Item.entrySize(x))
	}
	if before == 0 || after == 0 {
		return before + after
	}
	if *x.of(old) != *x.of(&op.Item) {
		return before + after
	}
	same := old.Kind == op.Item.Kind && (x != Book || string(old.Body) == string(op.Item.Body))
	if same {
		return 0
	}
	return max(before, after)
}
