package stripe

import (
	"fmt"
	"net/http"
)

// apiError is a refusal in Stripe's form.
type apiError struct {
	Status  int
	Type    string
	Code    string
	Param   string
	Message string
}

func (e *apiError) Error() string { return e.Message }

func (e *apiError) body() map[string]any {
	out := map[string]any{"type": e.Type, "message": e.Message}
	if e.Code != "" {
		out["code"] = e.Code
		out["doc_url"] = "https://stripe.com/docs/error-codes/" + e.Code
	}
	if e.Param != "" {
		out["param"] = e.Param
	}
	return map[string]any{"error": out}
}

func invalid(code, param, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "invalid_request_error", code, param, fmt.Sprintf(format, args...)}
}

func missing(param string) *apiError {
	return invalid("parameter_missing", param, "Missing required param: %s.", param)
}

// noSuch is the refusal for an id in the path; as a parameter the same mistake is a 400.
func noSuch(kind, id, param string) *apiError {
	return &apiError{http.StatusNotFound, "invalid_request_error", "resource_missing", param, fmt.Sprintf("No such %s: '%s'", kind, id)}
}

func noSuchParam(kind, id, param string) *apiError {
	e := noSuch(kind, id, param)
	e.Status = http.StatusBadRequest
	return e
}
