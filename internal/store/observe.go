package store

import "context"

// The actions of IAM that a Table can need.
const (
	IAMGet    = "dynamodb:GetItem"
	IAMQuery  = "dynamodb:Query"
	IAMPut    = "dynamodb:PutItem"
	IAMDelete = "dynamodb:DeleteItem"
	IAMCheck  = "dynamodb:ConditionCheckItem"
)

// Observe answers a Table that tells fn, before each call of t, every action that DynamoDB will demand for it: the
// action, the table ([Main]) or the index it is on, and the leading key. An error of fn is the call's answer, and
// t is not called.
//
// A Write demands an action for each operation, and GetItem for what it creates: should its answer be lost, it
// looks for its create-once items. DynamoDB has no separate action for transactions.
func Observe(t Table, fn func(action string, index Index, pk string) error) Table {
	return observed{t, fn}
}

type observed struct {
	table Table
	tell  func(action string, index Index, pk string) error
}

func (o observed) Get(ctx context.Context, k Key) (Item, error) {
	if err := o.tell(IAMGet, Main, k.PK); err != nil {
		return Item{}, err
	}
	return o.table.Get(ctx, k)
}

func (o observed) List(ctx context.Context, q Query) (Page, error) {
	if err := o.tell(IAMQuery, q.Index, q.Partition); err != nil {
		return Page{}, err
	}
	return o.table.List(ctx, q)
}

func (o observed) Write(ctx context.Context, ops ...Op) error {
	for i := range ops {
		pk := ops[i].Item.PK
		if err := o.tell(ops[i].permission(), Main, pk); err != nil {
			return err
		}
		if !ops[i].creates() {
			continue
		}
		if err := o.tell(IAMGet, Main, pk); err != nil {
			return err
		}
	}
	return o.table.Write(ctx, ops...)
}

func (op *Op) permission() string {
	switch op.Action {
	case ActDelete:
		return IAMDelete
	case ActCheck:
		return IAMCheck
	}
	return IAMPut
}
