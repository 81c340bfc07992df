package stripepay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"onebook/internal/fault"
	"onebook/internal/payment"
)

// What an error of Stripe means to us (stripe.com/docs/error-low-level, docs.stripe.com/error-codes):
//
//	no answer, a cut answer, one that is not Stripe's  unknown: fault.Busy
//	5xx, also one stored under an idempotency key      unknown: fault.Busy
//	429, 409: too fast, locked, the key is in use      not now: fault.Busy
//	404 resource_missing                               fault.NotFound
//	amount_too_small, amount_too_large                 fault.Invalid, amount_not_payable_online
//	all else                                           *Refused, for good

// ErrKeyReused is what errors.Is finds in a Refused when an idempotency key was used before with other parameters.
// It is a mistake of ours: the attempt that was recorded is not the attempt that is made.
var ErrKeyReused = errors.New("the idempotency key was used before for another request")

// Refused is an answer of Stripe that asking again will not change.
type Refused struct {
	Doing   string // what was being done
	Status  int    // of HTTP
	Type    string // "invalid_request_error", "idempotency_error", "card_error", "api_error"
	Code    string // such as "email_invalid"; may be empty
	Param   string // the parameter it is about; may be empty
	Message string // Stripe's words, for the log and the issue
	Request string // Stripe's id of the request
	cause   error
}

func (r *Refused) Error() string {
	why := orElse(r.Code, r.Type)
	if errors.Is(r, ErrKeyReused) {
		why = ErrKeyReused.Error()
	}
	return fmt.Sprintf("stripe refused to %s: %s (status %d, %s, request %s)", r.Doing, r.Message, r.Status, why, orElse(r.Request, "unknown"))
}

// Unwrap gives stripe-go's error.
func (r *Refused) Unwrap() error { return r.cause }

// Is reports whether target is ErrKeyReused or payment.ErrMethod and this refusal is that.
func (r *Refused) Is(target error) bool {
	switch target {
	case ErrKeyReused:
		return r.Type == string(stripe.ErrorTypeIdempotency)
	case payment.ErrMethod:
		return strings.HasPrefix(r.Param, "payment_method_types")
	}
	return false
}

// refusal sorts an error of stripe-go. doing completes "to …".
func refusal(doing string, err error) error {
	var e *stripe.Error
	if !errors.As(err, &e) {
		return noAnswer(doing, err)
	}
	switch {
	case e.HTTPStatusCode >= 500:
		return busy(err, "the payment provider had an error of its own while asked to %s; whether it was done is not known yet (%s)", doing, e.RequestID)
	case e.HTTPStatusCode == http.StatusTooManyRequests, e.HTTPStatusCode == http.StatusConflict:
		return busy(err, "the payment provider is too busy to %s right now; it will be tried again (%s)", doing, orElse(string(e.Code), "rate_limit"))
	case e.HTTPStatusCode == http.StatusNotFound && e.Code == stripe.ErrorCodeResourceMissing:
		return fault.NotFound.Errorf("the payment provider knows no such object%w", silent{err})
	case e.Code == stripe.ErrorCodeAmountTooSmall:
		return unpayable("the amount is less than can be paid online")
	case e.Code == stripe.ErrorCodeAmountTooLarge:
		return unpayable("the amount is more than can be paid online at once")
	}
	return &Refused{
		Doing: doing, Status: e.HTTPStatusCode, Type: string(e.Type), Code: string(e.Code),
		Param: e.Param, Message: e.Msg, Request: e.RequestID, cause: err,
	}
}

// noAnswer is for everything that did not come from Stripe in Stripe's form. Even a refused connection counts as
// unknown: between us and Stripe are proxies whose word is not Stripe's.
func noAnswer(doing string, err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return busy(err, "the payment provider did not answer in time when asked to %s; whether it was done is not known yet", doing)
	case errors.Is(err, context.Canceled):
		return busy(err, "the request was broken off while the payment provider was asked to %s; whether it was done is not known yet", doing)
	}
	return busy(err, "the payment provider could not be reached, or its answer not be read, when asked to %s; whether it was done is not known yet", doing)
}

func busy(cause error, format string, args ...any) error {
	return fault.Busy.Errorf(format+"%w", append(args, silent{cause})...)
}

// silent keeps a cause for errors.As without its text, which is not written for the person who reads the message.
type silent struct{ cause error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.cause }

func unknown(id string) error {
	return fault.NotFound.Errorf("the payment provider knows no object with the id %q", cut(id, 60))
}
