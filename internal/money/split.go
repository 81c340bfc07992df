package money

import (
	"math/big"
	"slices"

	"onebook/internal/fault"
)

// Split divides an amount in proportion to the weights, so that the parts sum to the whole exactly: each part is its
// share rounded down, and the minor units left over go to the largest remainders, the earlier first among equal ones.
// Negating the total negates every part. Weights may have either sign; that they sum to zero, or that there are none,
// is an Invalid.
func Split(total int64, weights []int64) ([]int64, error) {
	sum := new(big.Int)
	for _, w := range weights {
		sum.Add(sum, big.NewInt(w))
	}
	if sum.Sign() == 0 {
		return nil, fault.Invalid.Errorf("an amount cannot be split over parts that sum to zero")
	}
	shares := make([]*big.Rat, len(weights))
	for i, w := range weights {
		shares[i] = new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(total), big.NewInt(w)), sum)
	}
	return Apportion(total, shares)
}

// Apportion gives every exact share a whole number of minor units, as near to it as the sum allows, so that they sum
// to total: by largest remainder as in Split. It is for shares whose own sum differs from total by roundings only.
// A part beyond Max is an Invalid, and so is a total other than zero over no shares.
func Apportion(total int64, shares []*big.Rat) ([]int64, error) {
	if len(shares) == 0 {
		if total != 0 {
			return nil, fault.Invalid.Errorf("an amount cannot be split over no parts")
		}
		return nil, nil
	}
	sign := mirrored(total, shares)
	n := int64(len(shares))
	parts, rests, order := make([]int64, n), make([]*big.Rat, n), make([]int, n)
	left := sign * total
	for i, s := range shares {
		num := new(big.Int).Mul(s.Num(), big.NewInt(sign))
		down, rest := new(big.Int).DivMod(num, s.Denom(), new(big.Int))
		if !down.IsInt64() || Check(down.Int64()) != nil {
			return nil, tooLarge()
		}
		parts[i], rests[i], order[i] = down.Int64(), new(big.Rat).SetFrac(rest, s.Denom()), i
		left -= parts[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return rests[b].Cmp(rests[a]) })
	each, more := left/n, left%n
	if more < 0 {
		each, more = each-1, more+n
	}
	for place, i := range order {
		parts[i] += each
		if int64(place) < more {
			parts[i]++
		}
		if err := Check(parts[i]); err != nil {
			return nil, err
		}
		parts[i] *= sign
	}
	return parts, nil
}

// mirrored answers -1 when the shares are to be taken with the other sign, so that a credit is split as its invoice.
func mirrored(total int64, shares []*big.Rat) int64 {
	switch {
	case total > 0:
		return 1
	case total < 0:
		return -1
	}
	for _, s := range shares {
		if s.Sign() != 0 {
			return int64(s.Sign())
		}
	}
	return 1
}
