"""Drawing arms and target training sets that differ in domain and in nothing else that can be matched."""
