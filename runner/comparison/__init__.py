"""Many runs side by side: grouped into configurations, and compared by their metrics."""
