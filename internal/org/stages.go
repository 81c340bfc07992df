package org

import (
	"context"
	"fmt"
	"slices"

	"onebook/internal/fault"
)

// Stage is one step of an open deal on its way. Deals keep the key; name and probability may change at any time.
type Stage struct {
	Key         string `json:"key"`
	Name        string `json:"name"`
	Probability int    `json:"probability"` // per cent, of a deal that has none of its own
}

const maxStages = 20

// DefaultStages are what an organisation begins with.
func DefaultStages() []Stage {
	return []Stage{
		{Key: "qualified", Name: "Qualified", Probability: 20}, {Key: "meeting", Name: "Meeting", Probability: 40},
		{Key: "proposal", Name: "Proposal", Probability: 60}, {Key: "negotiation", Name: "Negotiation", Probability: 80},
	}
}

// Stage answers the stage of a key, and false when there is none.
func (s Settings) Stage(key string) (Stage, bool) {
	n := slices.IndexFunc(s.DealStages, func(x Stage) bool { return x.Key == key })
	if n < 0 {
		return Stage{}, false
	}
	return s.DealStages[n], true
}

// checkStages notes what is wrong with the stages. Their order is the organisation's own and stays.
func (s *Settings) checkStages(f *fault.Fields) {
	if len(s.DealStages) == 0 || len(s.DealStages) > maxStages {
		f.Add("dealStages", "invalid", "deals have 1 to %d stages", maxStages)
		return
	}
	keys, names := map[string]bool{}, map[string]bool{}
	for n, x := range s.DealStages {
		at := fmt.Sprintf("dealStages[%d].", n)
		if len(x.Key) > 40 || !customForm.MatchString(x.Key) {
			f.Add(at+"key", "invalid", "a key begins with a letter, then letters, digits, dash and underscore, at most 40")
		} else if keys[x.Key] {
			f.Add(at+"key", "twice", "%s stands here twice", x.Key)
		}
		if !oneLine(x.Name, 100) {
			f.Add(at+"name", "invalid", "a name is one line of 1 to 100 characters")
		} else if names[x.Name] {
			f.Add(at+"name", "twice", "%s stands here twice", x.Name)
		}
		keys[x.Key], names[x.Name] = true, true
		if x.Probability < 0 || x.Probability > 100 {
			f.Add(at+"probability", "invalid", "a probability is 0 to 100 per cent")
		}
	}
}

// keepStages refuses to take away a stage in which an open deal stands. The list that is asked lags a moment: a deal that came
// into the stage just then keeps its key, and says that its stage is gone.
func (s *Service) keepStages(ctx context.Context, old, next Settings) error {
	for _, x := range old.DealStages {
		if _, stays := next.Stage(x.Key); stays {
			continue
		}
		if s.StageInUse == nil {
			return fault.Unready.Errorf("stages cannot be taken away here")
		}
		used, err := s.StageInUse(ctx, x.Key)
		if err != nil {
			return err
		}
		if used {
			return fault.Unready.Errorf("open deals stand in %s; move or end them first", x.Name).Coded("stage_in_use").With("stage", x.Key)
		}
	}
	return nil
}
