package hook

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/member"
	"onebook/internal/payment"
)

// Stripe is the door for Stripe's webhooks. It believes nothing but the signature: the event names an object, which is
// fetched. What was recorded before is a success like any other; only what could not be done now is answered 503, so that
// Stripe sends it again.
type Stripe struct {
	Secrets func(ctx context.Context) ([]string, error)
	Hint    func(ctx context.Context, by activity.By, ev payment.Event) error
	Now     func() time.Time // the clock that signatures are checked against
	Log     *slog.Logger
}

const maxBody = 1 << 20

// Handle takes one delivery.
func (s Stripe) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	if len(r.Body) > maxBody*4/3+4 { // too long in either form
		return answer(http.StatusRequestEntityTooLarge), nil
	}
	body := []byte(r.Body)
	if r.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			return answer(http.StatusBadRequest), nil
		}
	}
	if len(body) > maxBody {
		return answer(http.StatusRequestEntityTooLarge), nil
	}
	secrets, err := s.Secrets(ctx)
	if err != nil {
		s.Log.ErrorContext(ctx, "the webhook's secret cannot be read", "error", err)
		return answer(http.StatusServiceUnavailable), nil
	}
	ev, err := Verify(body, header(r.Headers, "stripe-signature"), secrets, s.Now())
	if errors.Is(err, fault.Invalid) {
		s.Log.WarnContext(ctx, "a webhook was refused", "reason", "signature")
		return answer(http.StatusBadRequest), nil
	}
	if err != nil {
		s.Log.ErrorContext(ctx, "a webhook could not be checked", "error", err)
		return answer(http.StatusServiceUnavailable), nil
	}
	if err := s.Hint(ctx, member.Automaton(member.Webhook), ev); err != nil {
		s.Log.ErrorContext(ctx, "a webhook was not applied", "event", ev.ID, "type", ev.Type, "version", ev.APIVersion, "error", err)
		return answer(http.StatusServiceUnavailable), nil
	}
	return answer(http.StatusOK), nil
}

func header(h map[string]string, name string) string {
	for k, v := range h {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

func answer(status int) events.APIGatewayV2HTTPResponse {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status, Body: "{}",
		Headers: map[string]string{"content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff"},
	}
}
