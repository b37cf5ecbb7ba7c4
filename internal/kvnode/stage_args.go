package kvnode

// StageArgs returns the flags that make the node what a stage asks for: in clustering
// followers pass reads on, from read-replicas on they answer from their own copies.
func StageArgs(stage string) []string {
	if stage == "clustering" {
		return []string{"--reads", "leader"}
	}
	return nil
}
