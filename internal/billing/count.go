package billing

import (
	"context"
	"slices"

	"onebook/internal/activity"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/order"
	"onebook/internal/store"
)

// count counts an invoice on the order it bills, with sign 1 when it is issued and -1 when it is voided, and answers the
// postings that come of it: advances are earned once the order is billed. The estimate is invoiced when nothing remains.
func (s *Service) count(ctx context.Context, i invoice.Invoice, sign int64) ([]store.Op, []activity.Posting, error) {
	if i.OrderID == "" {
		return nil, nil, nil
	}
	o, err := order.Get(ctx, s.Table, i.OrderID)
	if err != nil {
		return nil, nil, err
	}
	advance := int64(0)
	if i.Share.Advance() {
		if sign < 0 && o.FinalID != "" {
			return nil, nil, fault.Unready.Errorf("the final invoice of its order takes invoice %s off; void that one or throw its draft away first", i.Number).
				Coded("final")
		}
		advance = sign * i.Body.Totals.Net
	}
	ps := turned(&o, o.Bill(sign*i.Body.Totals.Total, advance))
	if sign < 0 {
		o.Drop(i.ID)
	}
	op, err := o.Put()
	if err != nil {
		return nil, nil, err
	}
	ops := []store.Op{op}
	if o.State == order.Billed {
		more, err := s.closeEstimate(ctx, o, estimate.Invoiced)
		if err != nil {
			return nil, nil, err
		}
		ops = append(ops, more...)
	}
	return ops, ps, nil
}

// turned are the postings by which advances become revenue, or deposits again.
func turned(o *order.Order, earned int64) []activity.Posting {
	if earned == 0 {
		return nil
	}
	return []activity.Posting{
		{Account: activity.Deposits, Currency: o.Body.Currency, Amount: earned, Ref: o.ID},
		{Account: activity.Revenue, Currency: o.Body.Currency, Amount: -earned, Ref: o.ID},
	}
}

// closeEstimate moves the accepted estimate of an order of which nothing remains.
func (s *Service) closeEstimate(ctx context.Context, o order.Order, to estimate.State) ([]store.Op, error) {
	if o.EstimateID == "" {
		return nil, nil
	}
	e, err := estimate.Get(ctx, s.Table, o.EstimateID)
	if err != nil || e.State != estimate.Accepted {
		return nil, err
	}
	if err := e.To(to); err != nil {
		return nil, err
	}
	op, err := e.Put()
	return []store.Op{op}, err
}

// released forgets a draft that is thrown away on the order it would have billed.
func (s *Service) released(ctx context.Context, i invoice.Invoice) ([]store.Op, error) {
	if i.OrderID == "" {
		return nil, nil
	}
	o, err := order.Get(ctx, s.Table, i.OrderID)
	if err != nil {
		return nil, err
	}
	o.Drop(i.ID)
	o.Invoices = without(o.Invoices, i.ID)
	op, err := o.Put()
	return []store.Op{op}, err
}

func without(ids []string, gone string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(x string) bool { return x == gone })
}
