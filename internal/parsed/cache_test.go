package parsed

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestDataIsParsedOnce(t *testing.T) {
	var cache Cache[string]
	calls := map[string]int{}
	parse := func(data []byte) (string, error) {
		calls[string(data)]++
		if len(data) == 0 {
			return "half of it", errors.New("it is empty")
		}
		return strings.ToUpper(string(data)), nil
	}
	for range 3 {
		for _, text := range []string{"a", "b", "ab"} {
			if got, err := cache.Get([]byte(text), parse); err != nil || got != strings.ToUpper(text) {
				t.Errorf("%q is parsed as %q, %v", text, got, err)
			}
		}
		if got, err := cache.Get(nil, parse); err == nil || got != "" {
			t.Errorf("what cannot be parsed is %q, %v", got, err)
		}
	}
	for text, n := range calls {
		if want := map[bool]int{true: 3, false: 1}[text == ""]; n != want {
			t.Errorf("%q was parsed %d times, want %d", text, n, want)
		}
	}
}

// The bytes count as they are when they are asked for, whatever becomes of the slice.
func TestDataThatChanges(t *testing.T) {
	var cache Cache[string]
	data := []byte("a")
	for _, text := range []string{"a", "b", "a"} {
		copy(data, text)
		if got, err := cache.Get(data, func(data []byte) (string, error) { return string(data), nil }); err != nil || got != text {
			t.Errorf("%q is parsed as %q, %v", text, got, err)
		}
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	var cache Cache[int]
	for i := range 2 * size {
		if _, err := cache.Get(fmt.Append(nil, i), func([]byte) (int, error) { return i, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if n := cache.kept.Len(); n != size {
		t.Errorf("%d values are kept, want %d", n, size)
	}
}

func TestManyAtOnce(t *testing.T) {
	var cache Cache[string]
	var calls atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 1000 {
				text := fmt.Sprint((n + i) % 50)
				got, err := cache.Get([]byte(text), func(data []byte) (string, error) { calls.Add(1); return string(data), nil })
				if err != nil || got != text {
					t.Errorf("%q is parsed as %q, %v", text, got, err)
				}
			}
		})
	}
	all.Wait()
	if n := calls.Load(); n > 8*50 {
		t.Errorf("50 texts were parsed %d times", n)
	}
}
