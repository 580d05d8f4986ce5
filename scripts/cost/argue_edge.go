package main

// router is the function that passes calls on.
const router = "edge-router"

func (a *arguer) router() Argument {
	rows := a.header("USD a month")
	declared, ok := a.in.Functions[router]
	if !ok {
		declared = Function{Access: "public", Trigger: "http", CPU: 1, MemoryMiB: 512, Concurrency: 80}
	}
	rows = append(rows, a.row("all calls through the router", func(b *Bill) string {
		var calls, seconds float64
		for _, l := range b.Loads {
			c, _ := a.in.callsOf(l.ID)
			if a.in.Functions[l.ID].Access != "private" && l.ID != router {
				calls += l.Calls
				seconds += l.Calls * (c.Seconds + a.in.General["router_seconds"].Value)
			}
		}
		if calls == 0 {
			return "–"
		}
		with := a.at(b.Students, func(in *Inputs) {
			in.Functions[router] = declared
			in.Calls[router] = Calls{Monthly: calls, Seconds: seconds / calls, CPU: 1}
		})
		without := a.at(b.Students, func(in *Inputs) {
			in.Functions[router] = declared
			in.Calls[router] = Calls{}
		})
		return dollars(with.Part(functionParts...) - without.Part(functionParts...))
	}), a.row("its warm instances, if nobody calls it", func(b *Bill) string {
		without := a.at(b.Students, func(in *Inputs) { delete(in.Functions, router) })
		return dollars(b.Part(functionParts...) - without.Part(functionParts...))
	}))
	return Argument{"What the one base address costs", "The router is billed for as long as the functions behind it take, streams included. The load balancer leads to each function's own address for nothing; the router is for clients that know only one.", rows}
}
