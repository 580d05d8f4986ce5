package main

import "testing"

func TestOthersAreToldOfWhereThereAreAny(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"67 of 67 bundles written":                              written(67, 67),
		"1 of 67 bundles written (the others are as they were)": written(1, 67),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
